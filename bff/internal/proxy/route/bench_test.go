package route

import "testing"

func BenchmarkDecide(b *testing.B) {
	rows := []Config{{Path: "/api/orders", Upstreams: up(b), StripPrefix: "/api"}, {Path: "/api/orders/admin", Upstreams: up(b), Roles: []string{"admin"}}}
	for _, name := range []string{"users", "files", "search", "billing", "mail"} {
		rows = append(rows, Config{Path: "/api/" + name, Upstreams: up(b)})
	}
	table := mustTable(b, rows...)
	for name, path := range map[string]string{"plain": "/api/orders/4711/items", "ulid": "/api/orders/01HX5ZZKBKACTAV9WEVGEMMVRZ", "encoded": "/api/orders/a%2Fb%20c"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if d := table.Decide("GET", path, ann); d.Outcome != Forward {
					b.Fatal(d)
				}
			}
		})
	}
}
