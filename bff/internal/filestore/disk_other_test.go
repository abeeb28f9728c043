//go:build !linux

package memstore_test

func fillTheDisk(string)  {}
func crowdTheDisk(string) {}
