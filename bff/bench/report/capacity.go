package report

import "time"

// UnitCosts is what one thing of each kind costs.
type UnitCosts struct {
	PerCore float64 // renewals that one core of an instance carries in a second, 0 for not known
	Refresh float64 // µs of Redis
	Stream  Line    // µs of Redis for one revocation, by the number of instances
	Session float64 // bytes of Redis
}

const (
	coresEach    = 2
	defaultTTL   = 15 * time.Minute // ACCESS_TTL: somebody at work renews once in it
	streamShare  = 0.1              // of a Redis core that revocations may take
	manySessions = 1e6
)

// Which wall comes first.
const (
	wallInstances = "instances"
	wallRedis     = "Redis"
)

// Capacity is what so many instances carry on one Redis, on paper: costs are
// taken to grow with what is done and with nothing else.
type Capacity struct {
	Instances   int     `json:"instances"`
	Carried     float64 `json:"renewals_of_instances_per_second,omitempty"`
	Redis       float64 `json:"renewals_of_redis_per_second"`
	Wall        string  `json:"wall,omitempty"`
	People      float64 `json:"people_at_work"`
	Revocations float64 `json:"revocations_per_second"`
	Memory      float64 `json:"bytes_of_a_million_sessions"`
}

func OnPaper(u UnitCosts, instances int) Capacity {
	c := Capacity{
		Instances: instances, Carried: u.PerCore * float64(instances*coresEach), Redis: PerSecondOf(1, u.Refresh),
		Revocations: PerSecondOf(streamShare, u.Stream.at(instances)), Memory: manySessions * u.Session,
	}
	first := c.Redis
	switch {
	case c.Carried == 0 || c.Redis == 0: // one is not known, and no wall is named
	case c.Carried < c.Redis:
		c.Wall, first = wallInstances, c.Carried
	default:
		c.Wall = wallRedis
	}
	c.People = first * defaultTTL.Seconds()
	return c
}

// PerSecondOf is how many at µs each fit into a share of a core, and 0 where
// noise has left no cost: JSON has no infinity.
func PerSecondOf(share, µs float64) float64 {
	if µs <= 0 {
		return 0
	}
	return share * 1e6 / µs
}

// Line is base + each × n.
type Line struct {
	Base float64 `json:"base"`
	Each float64 `json:"each"`
}

func (l Line) at(n int) float64 { return l.Base + l.Each*float64(n) }

// FitLine is the line of least squares; x must not all be the same.
func FitLine(x, y []float64) Line {
	n := float64(len(x))
	var sx, sy, sxx, sxy float64
	for i := range x {
		sx, sy, sxx, sxy = sx+x[i], sy+y[i], sxx+x[i]*x[i], sxy+x[i]*y[i]
	}
	each := (n*sxy - sx*sy) / (n*sxx - sx*sx)
	return Line{(sy - each*sx) / n, each}
}
