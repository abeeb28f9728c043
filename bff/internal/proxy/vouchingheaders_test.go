package proxy

import (
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
)

func TestRulesFitTheirBuffer(t *testing.T) {
	for name := range requestRules {
		if len(name) > longestRule {
			t.Errorf("%q is longer than %d", name, longestRule)
		}
	}
	for _, prefixes := range droppedPrefixes {
		for _, prefix := range prefixes {
			if len(prefix) > longestRule {
				t.Errorf("%q is longer than %d", prefix, longestRule)
			}
		}
	}
}

// What other gateways vouch with never arrives from a client, in any spelling,
// named in Connection, or behind the body.
func TestHeadersThatOtherGatewaysVouchWith(t *testing.T) {
	forged := []string{
		"Remote-User", "Remote-Groups", "Remote-Name", "Remote-Email", "Remote-Addr", "X-Remote-User", "X-Remote-Group", "X-Remote-Extra-Scopes", "X-Authenticated-User", "X-Authenticated-Userid",
		"Ssl-Client-Verify", "Ssl-Client-S-Dn", "SSL-Client-Cert", "X-SSL-Client-CN", "X-Ssl-Cert", "X-Client-Cert", "X-Client-Certificate", "Client-Cert", "Client-Cert-Chain", "X-Client-Verify", "X-Client-DN",
		"X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups", "X-Forwarded-Preferred-Username", "X-Forwarded-Access-Token", "X-Forwarded-Client-Cert", "X-Forwarded-Login",
		"X-Auth-Request-User", "X-Auth-Request-Email", "X-Auth-Request-Groups", "X-Auth-Request-Access-Token", "X-Auth-User", "X-Auth-Username", "X-Auth-Userid", "X-Auth-Groups", "X-Auth-Role", "X-Auth-Email",
		"X-Webauth-User", "X-Webauth-Email", "X-Proxy-Remote-User", "X-User", "X-Username", "X-User-Name", "X-User-Groups", "X-User-Roles", "X-Email",
		"X-Amzn-Oidc-Data", "X-Amzn-Oidc-Identity", "X-Amzn-Oidc-Accesstoken", "X-Amzn-Ava-User-Context", "X-Amzn-Mtls-Clientcert-Subject", "Cf-Access-Authenticated-User-Email", "Cf-Access-Jwt-Assertion",
		"X-Goog-Authenticated-User-Email", "X-Goog-Authenticated-User-Id", "X-Goog-Iap-Jwt-Assertion", "X-Appengine-User-Email", "X-Appengine-Cron", "X-Endpoint-Api-Userinfo", "X-Apigateway-Api-Userinfo",
		"X-Ms-Client-Principal", "X-Ms-Client-Principal-Name", "X-Ms-Client-Principal-Id", "X-Ms-Client-Principal-Idp", "X-Ms-Token-Aad-Access-Token", "X-Arr-Clientcert",
		"Tailscale-User-Login", "Tailscale-User-Name", "Tailscale-App-Capabilities", "X-Authentik-Username", "X-Authentik-Meta-Jwks", "X-Vouch-User", "X-Pomerium-Jwt-Assertion", "X-Pomerium-Claim-Email",
		"X-Consumer-Username", "X-Consumer-Custom-Id", "X-Credential-Identifier", "X-Envoy-Original-Path", "X-Envoy-Peer-Metadata", "X-Jwt-Payload", "X-Jwt-Assertion", "X-Userinfo", "Teleport-Jwt-Assertion",
		"Impersonate-User", "Impersonate-Group", "Impersonate-Extra-Scopes", "Sm-User", "Sm_Userdn", "Oam-Remote-User", "Osso-User-Dn", "Iv-User", "Iv-Groups", "$WSRU", "$WSPC", "WL-Proxy-Client-Cert", "WL-Proxy-Client-Keysize", "WL-Proxy-SSL", "Proxy-Client-Cert", "Shib-Session-Id", "Eppn",
		"Oidc-Claim-Sub", "OIDC_CLAIM_email", "Mellon-Name-Id", "X-Replit-User-Id", "X-Vercel-Oidc-Token", "X-Sso-User", "X-Jwt-Claim-Sub",
		"True-Client-Ip", "Fly-Client-Ip", "X-Azure-Clientip", "X-Original-Forwarded-For", "X-Nf-Client-Connection-Ip",
	}
	for _, name := range forged {
		underscored := strings.ReplaceAll(name, "-", "_")
		for _, spelling := range []string{name, strings.ToLower(name), strings.ToUpper(name), underscored, strings.ToUpper(underscored), strings.ReplaceAll(name, "-", "."), strings.Replace(name, "-", "~", 1)} {
			if ruleFor(spelling) != dropped {
				t.Errorf("%s passes", spelling)
			}
		}
	}
	harmless := []string{
		"Accept", "X-Requested-With", "X-Api-Key", "X-Auth-Token", "X-Auth-Key", "X-User-Agent", "X-Usage", "X-Amzn-Trace-Id", "X-Amz-Date", "X-Ms-Client-Request-Id", "X-Goog-Api-Key", "X-Csrf-Token",
		"X-Access-Token", "X-Jwt-Token", "X-Client-Version", "X-Client-Data", "Sec-Fetch-Site", "Authority", "Remotely", "Smart", "X-Remotely", "Client-Version", "Idempotency-Key", "Content-Type", "X-Emailed", "Ivy", "X-Github-Event",
	}
	for _, name := range harmless {
		if ruleFor(name) != passes {
			t.Errorf("%s does not pass", name)
		}
	}

	url, got := recorder(t, nil)
	for _, mode := range []route.IdentityMode{route.IdentityJWT, route.IdentityHeaders, route.IdentityNone} {
		g := newGate(t, url, func(r *route.Config) { r.Identity = mode })
		for batch := range slices.Chunk(forged, 25) { // net/http takes 4 KiB of trailers
			var head, trailers, announced strings.Builder
			for _, name := range batch {
				underscored := strings.ReplaceAll(name, "-", "_")
				head.WriteString(name + ": EVIL\n" + strings.ToLower(underscored) + ": EVIL\n")
				trailers.WriteString(name + ": EVIL\n" + underscored + ": EVIL\n")
				announced.WriteString(", " + name + ", " + underscored)
			}
			res := g.raw(t, "POST /api/x HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\nTrailer: X-Sum"+announced.String()+
				"\nConnection: X-User-Id, Remote-User, X-Forwarded-For\n"+head.String()+"\n1\nx\n0\nX-Sum: 1\n"+trailers.String()+"\n")
			if res.StatusCode != 200 {
				t.Fatalf("%v: %d", mode, res.StatusCode)
			}
			s := got()
			for _, h := range []map[string][]string{s.header, s.trailer} {
				for name, values := range h {
					if strings.Contains(strings.Join(values, ","), "EVIL") {
						t.Errorf("identity %v: upstream got %s: %q", mode, name, values)
					}
				}
			}
			if s.trailer.Get("X-Sum") != "1" || len(s.trailer) != 1 || s.header.Get("X-Forwarded-For") != "127.0.0.1" {
				t.Errorf("identity %v: %v, trailers %v", mode, s.header, s.trailer)
			}
		}
	}
}
