package telemetry

import (
	"context"
	"time"
)

// Refreshed counts a presented refresh token.
func (m *Metrics) Refreshed(outcome string) { m.refreshes.WithLabelValues(outcome).Inc() }

// SignedIn counts an attempt to sign in.
func (m *Metrics) SignedIn(outcome string) { m.signIns.WithLabelValues(outcome).Inc() }

// Limited counts a decision of a rate limit.
func (m *Metrics) Limited(limit string, allowed bool) {
	decision := "refused"
	if allowed {
		decision = "allowed"
	}
	m.limits.WithLabelValues(limit, decision).Inc()
}

// Revoked observes the time from the end of a session to its refusal here. The
// clocks of two instances may differ a little: a negative lag counts as 0.
func (m *Metrics) Revoked(lag time.Duration) { m.revocationLag.Observe(max(0, lag).Seconds()) }

// Settling notes how many changes of accounts wait.
func (m *Metrics) Settling(pending int) { m.settlements.Set(float64(pending)) }

// Mailed counts the outcome of a notice.
func (m *Metrics) Mailed(outcome string) { m.mails.WithLabelValues(outcome).Inc() }

// Reloaded records a reload, and its time when it succeeded.
func (m *Metrics) Reloaded(ok bool) {
	m.reloadOK.Set(truth(ok))
	if ok {
		m.reloadedAt.Set(float64(m.now().UnixMilli()) / 1000)
	}
}

// HashRefused counts a password that the full queue refused.
func (m *Metrics) HashRefused() { m.hashesRefused.Inc() }

// HashBegins starts the timer of a hash, which ended stops.
func (m *Metrics) HashBegins() (ended func()) {
	start := m.now()
	return func() { m.hashSeconds.Observe(m.now().Sub(start).Seconds()) }
}

// Question is a store's hook: the store calls it before a query, and calls the
// returned function after it, with the error of a query that failed.
type Question = func(ctx context.Context, operation string) (context.Context, func(error))

// Questions makes the hook of a store, with spans when t is not nil.
func (m *Metrics) Questions(store string, t *Traces) Question {
	return func(ctx context.Context, operation string) (context.Context, func(error)) {
		start := m.now()
		ctx, end := t.question(ctx, store, operation)
		return ctx, func(err error) {
			m.storeSeconds.WithLabelValues(store, operation).Observe(m.now().Sub(start).Seconds())
			if err != nil {
				m.storeErrors.WithLabelValues(store, operation).Inc()
			}
			end(err)
		}
	}
}
