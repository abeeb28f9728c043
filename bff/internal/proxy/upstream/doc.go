// Package upstream sends requests to the upstreams of a route: connections and
// their pools, balancing, retries, cool-down and health checks. The state of an
// upstream is kept by path and origin, beside the table of routes.
//
// It knows neither header rules nor sessions: package proxy makes the request, and
// judges the response.
package upstream
