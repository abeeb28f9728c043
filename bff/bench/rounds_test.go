package main

import (
	"slices"
	"testing"
)

func TestContendersComeFirstEquallyOften(t *testing.T) {
	first := map[int]int{}
	for n := range 6 {
		order := turns(n, 3)
		first[order[0]]++
		if slices.Sort(order); !slices.Equal(order, []int{0, 1, 2}) {
			t.Errorf("round %d: %v", n, order)
		}
	}
	if len(first) != 3 || first[0] != 2 || first[1] != 2 {
		t.Errorf("who came first how often: %v", first)
	}
}
