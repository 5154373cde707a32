module teleward.example/stock

go 1.25.0

tool filippo.io/age/cmd/age

tool filippo.io/age/cmd/age-keygen

require c2sp.org/CCTV/age v0.0.0-20260829155415-4448f2097b2d

require (
	filippo.io/age v1.3.2 // indirect
	filippo.io/edwards25519 v1.2.0 // indirect
	filippo.io/hpke v0.4.0 // indirect
	filippo.io/nistec v0.0.4 // indirect
	golang.org/x/crypto v0.55.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
	golang.org/x/term v0.45.0 // indirect
)
