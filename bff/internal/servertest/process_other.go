//go:build unix && !linux

package servertest

import "syscall"

// childAttributes put a server into a process group of its own, so that Ctrl-C
// reaches only us and the order of stopping is ours. Only Linux can end it when
// we die without stopping it.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// frozen would ask whether every thread of a process has stopped.
func frozen(int) bool { return true }
