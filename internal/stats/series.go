package stats

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"
)

// maxPoints bounds a series.
const maxPoints = 120

// lastSecond bounds times, so that a point's width is bounded however wrong a
// clock may be: the year 4147.
const lastSecond = 1 << 36

// Point is what happened in one stretch of time.
type Point struct {
	Requests     int64 `json:"requests,omitempty"` // that got their result
	InputTokens  int64 `json:"input_tokens,omitempty"`
	OutputTokens int64 `json:"output_tokens,omitempty"`
	Again        int64 `json:"again,omitempty"` // tries that had to be repeated
	Micros       int64 `json:"-"`               // time in flight, summed over requests, in microseconds
}

func (p *Point) add(other Point) {
	p.Requests += other.Requests
	p.InputTokens += other.InputTokens
	p.OutputTokens += other.OutputTokens
	p.Again += other.Again
	p.Micros += other.Micros
}

// Series is what happened over time, in points of equal width that lie side by
// side. The zero value is empty.
type Series struct {
	width  int64 // of a point in seconds, a power of two; 0 when empty
	first  int64 // Unix time of the first point over width
	points []Point
}

// Add takes one try: what it came to counts at its end, and its time in flight
// where it was spent. The mean number of requests in flight follows from that
// exactly, without anybody having to look.
func (s *Series) Add(began time.Time, took time.Duration, what Point) {
	const last = lastSecond * 1e6
	from := min(max(0, began.UnixMicro()), last)
	to := min(from+max(0, took.Microseconds()), last)
	s.cover(from/1e6, to/1e6)
	width := s.width * 1e6
	for at := from / width; at <= to/width; at++ {
		s.points[at-s.first].Micros += min(to, (at+1)*width) - max(from, at*width)
	}
	s.points[to/width-s.first].add(what)
}

// Merge adds what other holds.
func (s *Series) Merge(other *Series) {
	if len(other.points) == 0 {
		return
	}
	s.cover(other.first*other.width, (other.first+int64(len(other.points)))*other.width-1)
	for s.width < other.width {
		s.widen()
	}
	for i, point := range other.points {
		s.points[(other.first+int64(i))*other.width/s.width-s.first].add(point)
	}
}

// cover makes room for two times and all between them, in Unix seconds.
func (s *Series) cover(from, to int64) {
	if s.width == 0 {
		s.width, s.first = 1, from
		s.points = append(make([]Point, 0, maxPoints), Point{})
	}
	for max(s.last(), to/s.width)-min(s.first, from/s.width) >= maxPoints {
		s.widen()
	}
	if before := s.first - from/s.width; before > 0 {
		s.points = slices.Insert(s.points, 0, make([]Point, before)...)
		s.first -= before
	}
	for s.last() < to/s.width {
		s.points = append(s.points, Point{})
	}
}

func (s *Series) last() int64 { return s.first + int64(len(s.points)) - 1 }

// widen makes points twice as wide.
func (s *Series) widen() {
	wide, first := s.points[:0], s.first/2
	for i, point := range s.points {
		if at := int((s.first+int64(i))/2 - first); at < len(wide) {
			wide[at].add(point)
		} else {
			wide = append(wide, point)
		}
	}
	s.width, s.first, s.points = s.width*2, first, wide
}

// Start is when the first point begins.
func (s *Series) Start() time.Time { return time.Unix(s.first*s.width, 0).UTC() }

// Width is how long a point lasts.
func (s *Series) Width() time.Duration { return time.Duration(s.width) * time.Second }

// Points are the points in order. They must not be changed.
func (s *Series) Points() []Point { return s.points }

func (s *Series) clone() Series {
	return Series{width: s.width, first: s.first, points: slices.Clone(s.points)}
}

// seriesJSON is a series for programs.
type seriesJSON struct {
	From    time.Time   `json:"from"`
	Seconds int64       `json:"seconds"` // of a point
	Points  []pointJSON `json:"points"`
}

// pointJSON is a point whose requests in flight are in_flight_seconds over the
// seconds of a point.
type pointJSON struct {
	Point
	InFlightSeconds float64 `json:"in_flight_seconds,omitempty"`
}

// MarshalJSON writes when the series begins, the seconds of a point, and the
// points.
func (s Series) MarshalJSON() ([]byte, error) {
	out := seriesJSON{From: s.Start(), Seconds: s.width, Points: make([]pointJSON, len(s.points))}
	for i, point := range s.points {
		out.Points[i] = pointJSON{point, float64(point.Micros) / 1e6}
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *Series) UnmarshalJSON(text []byte) error {
	var in seriesJSON
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	*s = Series{}
	if len(in.Points) == 0 {
		return nil
	}
	width, from := in.Seconds, in.From.Unix()
	if len(in.Points) > maxPoints || width < 1 || width > lastSecond || width&(width-1) != 0 || from < 0 || from > lastSecond || from%width != 0 {
		return fmt.Errorf("a series of %d points of %d seconds from %d cannot be", len(in.Points), width, from)
	}
	s.width, s.first = width, from/width
	s.points = make([]Point, 0, maxPoints)
	for _, point := range in.Points {
		point.Micros = int64(math.Round(point.InFlightSeconds * 1e6))
		s.points = append(s.points, point.Point)
	}
	return nil
}
