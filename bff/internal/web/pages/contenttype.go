package pages

import (
	"mime"
	"path"
	"strings"
)

const wellKnownDir = ".well-known/"

// wellKnownTypes are the types of names without an extension whose readers insist
// on one: iOS opens no links in an app whose association is not JSON.
var wellKnownTypes = map[string]string{
	"apple-app-site-association": "application/json", // also at the root

	"openid-configuration": "application/json", "oauth-authorization-server": "application/json", "oauth-protected-resource": "application/json",
	"webauthn": "application/json", "passkey-endpoints": "application/json", "webfinger": "application/jrd+json", "host-meta": "application/xrd+xml",
	"traffic-advice": "application/trafficadvice+json",
}

// contentType does not use the operating system's table: on one machine .js
// was text/plain, and nosniff then kept the app from starting.
func contentType(name string) string {
	if kind := wellKnownTypes[path.Base(name)]; kind != "" {
		return kind
	}
	switch ext := path.Ext(name); ext {
	case "":
		if strings.HasPrefix(name, wellKnownDir) {
			return "text/plain; charset=utf-8" // tokens and names, such as of ACME and Apple Pay
		}
		return "application/octet-stream"
	case ".html":
		return "text/html; charset=utf-8"
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".json", ".map":
		return "application/json"
	case ".webmanifest":
		return "application/manifest+json"
	case ".txt":
		return "text/plain; charset=utf-8"
	case ".gz":
		return "application/gzip"
	case ".ico":
		return "image/x-icon"
	case ".xhtml":
		return "application/xhtml+xml"
	case ".woff2":
		return "font/woff2"
	default:
		if t := mime.TypeByExtension(ext); t != "" {
			return t
		}
		return "application/octet-stream"
	}
}
