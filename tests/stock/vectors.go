// Package stock pins the age of another hand: the Go tool, and the community's test vectors.
package stock

import _ "c2sp.org/CCTV/age"
