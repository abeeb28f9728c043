package upstream

import "testing"

func TestNoProxyFromEnvironment(t *testing.T) {
	if newTransport(Options{}).Proxy != nil {
		t.Error("the transport asks for a proxy")
	}
}
