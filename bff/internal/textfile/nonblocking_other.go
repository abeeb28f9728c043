//go:build !unix

package textfile

// nonBlocking: there are no pipes in folders.
const nonBlocking = 0
