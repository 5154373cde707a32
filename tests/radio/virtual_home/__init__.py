"""A patient's home without hardware: a hub in a virtual machine, a virtual cuff, and the clinic behind them.

`image` builds what the virtual machine boots, `guest` runs it, `cuff` is the peripheral on the other end of a virtual
air link, `clinic` starts relay and station, `hub` drives `teleward hub` in the guest, `capture` reads what crossed the
HCI, `cases` are the tests, and `__main__` runs them.
"""
