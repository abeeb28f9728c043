package spa

import (
	"testing"
	"testing/fstest"
)

// A binary that was compiled before the app ended at its start: the folder of
// its one page could not be listed.
func TestEveryAppCanBeListed(t *testing.T) {
	dist, _ := Dist()
	if err := fstest.TestFS(dist, "index.html"); err != nil {
		t.Error(err)
	}
	if err := fstest.TestFS(mustSub(files, "dist.placeholder"), "index.html"); err != nil {
		t.Error(err)
	}
}
