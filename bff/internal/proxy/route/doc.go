// Package route holds the table of routes: the rows of a routes file, checked,
// and the decision that they lead to for a method and a path.
//
// A [Config] is a row as it is written, a [Route] is one that was checked. A
// [Table] is a plain value that does not change: a reload makes another one, and
// the state of upstreams is kept elsewhere. [CheckPath] refuses paths that two
// servers could read differently; the path judged is the path for the upstream.
package route
