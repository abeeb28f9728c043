// Package proxy forwards requests to the APIs behind the gatehouse: a table of
// routes, a reverse proxy that speaks for somebody, the header rules in both
// directions, and the live streams that end with a session.
//
// It knows neither cookies of ours nor how a session works: the caller decides
// who somebody is, and everything here is told an [Identity].
//
// What must hold, and is tested with hostile requests and hostile upstreams:
//
//   - only rows of the [Table] are reachable;
//   - the path judged is the path sent, byte for byte;
//   - nothing a client sends can look like an identity to an upstream;
//   - nothing an upstream sends can speak for the site to a browser.
package proxy
