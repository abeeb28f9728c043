//go:build unix

package textfile

import "syscall"

// nonBlocking has opening a pipe not wait for who writes into it.
const nonBlocking = syscall.O_NONBLOCK
