//go:build unix && !linux

package rivals

import "syscall"

// withUs leaves a child in our process group: only Linux can end it when we
// die, and Ctrl-C reaches it here.
func withUs() *syscall.SysProcAttr { return nil }
