package rivals

import "syscall"

// withUs has the kernel end a child when we die without stopping it.
func withUs() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
