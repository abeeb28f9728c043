// Package proxy forwards requests to the APIs behind the gatehouse: a reverse
// proxy that sends an identity along, the header rules in both directions, and
// the live streams that end with a session. Package route says what is reachable.
//
// It knows neither cookies of ours nor how a session works: the caller decides
// whose a request is, and passes a [route.Identity].
//
// What must hold, and is tested with hostile requests and hostile upstreams:
//
//   - only rows of the [route.Table] are reachable;
//   - the path judged is the path sent, byte for byte;
//   - nothing a client sends can look like an identity to an upstream;
//   - nothing an upstream sends can speak for the site to a browser.
package proxy
