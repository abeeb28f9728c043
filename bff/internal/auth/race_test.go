//go:build race

package auth_test

func init() { raced = true }
