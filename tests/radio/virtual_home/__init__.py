"""A patient's home without hardware: a hub in a virtual machine, virtual devices, and the clinic behind them.

`image` builds what the virtual machine boots, `guest` runs it, `clinic` starts relay and station, `hub` drives
`teleward hub` in the guest, `capture` reads what crossed the HCI. The devices are on the other end of a virtual `air`:
what all have is in `peripheral` and `keeper`, then a file a family. `cases` and its neighbours are the tests, in one
`home`, and `__main__` runs them.
"""
