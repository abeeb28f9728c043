package token_test

import "testing"

// hit is every request but the first with a token, miss the first.
func BenchmarkVerifyAccess(b *testing.B) {
	i := newIssuer(b)
	raw := must(b)(i.MintAccess(someAccess()))
	verify := func(b *testing.B, raw string) {
		if _, err := i.VerifyAccess(raw, start); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("hit", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			verify(b, raw)
		}
	})
	b.Run("hit, parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				verify(b, raw)
			}
		})
	})
	b.Run("hit, a full house", func(b *testing.B) {
		raws := manyAccess(b, i, 8192)
		b.ReportAllocs()
		for n := 0; b.Loop(); n++ {
			verify(b, raws[n%len(raws)])
		}
	})
	b.Run("miss", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			i.ForgetVerified(raw)
			verify(b, raw)
		}
	})
}

// BenchmarkMintBearerCached is an upstream told of the same person again.
func BenchmarkMintBearerCached(b *testing.B) {
	i, who := newIssuer(b), someIdentity()
	mint := func(b *testing.B) {
		if _, err := i.MintBearer(who, "orders", start); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("serial", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			mint(b)
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				mint(b)
			}
		})
	})
}
