//go:build !linux

package filestore_test

func fillTheDisk(string)  {}
func crowdTheDisk(string) {}
