package proxy

// vouchingHeaders are the names by which other gateways tell an upstream who is
// asking, folded as in requestRules. An upstream that stands behind such a
// gateway elsewhere believes them here too, so a client's never arrive:
// `Remote-User: admin` was an administrator to Grafana, Gitea and their like. A
// name that ends in a star is a prefix: these families keep growing.
var vouchingHeaders = []string{
	// nginx auth_request, Traefik ForwardAuth, Caddy forward_auth; oauth2-proxy,
	// Authelia, authentik, Vouch, Pomerium, Ory Oathkeeper, Louketo.
	"x-forwarded*", "x-auth-request*", "remote-*", "auth-user", "x-auth-user*", "x-auth-name", "x-auth-email", "x-auth-groups", "x-auth-role*",
	"x-auth-subject", "x-auth-audience", "x-user", "x-username", "x-userid", "x-user-name", "x-user-groups", "x-user-roles", "x-email", "x-groups", "x-roles",
	"x-authentik-*", "x-vouch-*", "x-pomerium-*", "x-id-token", "x-userinfo", "x-jwt-payload", "x-jwt-assertion", "x-jwt-claim*",
	// Grafana, Gitea, Jenkins, Kubernetes' request-header and impersonation.
	"x-webauth-*", "x-proxy-user*", "x-proxy-remote-user", "x-remote-*", "impersonate-*", "x-authenticated-*", "x-sso-*",
	// Clouds: AWS load balancers and verified access, Azure App Service, Google
	// IAP, App Engine and API Gateway, Cloudflare Access, Vercel, Replit.
	"x-amzn-oidc-*", "x-amzn-ava-*", "x-amzn-mtls-*", "x-amzn-tls-*", "x-ms-client-principal*", "x-ms-token-*", "x-arr-clientcert*", "x-goog-authenticated-user*", "x-goog-iap-*",
	"x-appengine-*", "x-cloudtasks-*", "x-cloudscheduler*", "x-endpoint-api-*", "x-apigateway-api-*", "cf-access-*", "x-vercel-oidc-*", "x-vercel-sc-*", "x-replit-user*",
	// Meshes and tunnels: Envoy and Istio, Kong, Tailscale, Teleport, ngrok.
	"x-envoy-*", "x-consumer-*", "x-credential-*", "x-anonymous-consumer", "tailscale-*", "x-tailscale-*", "teleport-*", "x-teleport-*", "ngrok-auth-*",
	// Client certificates: RFC 9440, nginx, Apache, HAProxy, F5.
	"client-cert*", "x-client-cert*", "ssl-client*", "ssl-cert*", "x-ssl-*", "x-client-verify*", "x-client-dn*", "x-client-cn*", "x-client-subject*", "x-client-issuer*",
	"x-tls-client*", "x-mtls-*",
	// Single sign-on: SiteMinder, Oracle (WebLogic's plug-ins, Access Manager), IBM (WebSEAL, and WebSphere's $WSRU),
	// Shibboleth, mod_auth_openidc, mod_auth_mellon.
	"sm-*", "wl-proxy-*", "proxy-client-*", "oam-*", "osso-*", "iv-user*", "iv-groups*", "iv-creds*", "-ws*", "shib-*", "eppn", "persistent-id", "oidc-*", "mellon-*", "x-saml-*", "x-okta-*", "x-kerberos-*",
}

// droppedPrefixes are the prefixes among vouchingHeaders by their first byte;
// the others are in requestRules.
var droppedPrefixes = func() (byFirst [256][]string) {
	for _, name := range vouchingHeaders {
		if last := len(name) - 1; name[last] == '*' {
			byFirst[name[0]] = append(byFirst[name[0]], name[:last])
		} else {
			requestRules[name] = dropped
		}
	}
	return byFirst
}()
