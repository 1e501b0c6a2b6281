package contacts

import (
	"cmp"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/pkg/phone"
)

// PointKind tells what a contact can be recognised by.
type PointKind string

// The kinds of point. PointRef is an external reference: it is locked like the others and kept in a table of its own.
const (
	PointEmail PointKind = "email"
	PointPhone PointKind = "phone"
	PointRef   PointKind = "ref"
)

// Point is one normalised e-mail address or number.
type Point struct {
	Kind  PointKind
	Value string
}

// Points lists, each once, what the contact can be recognised by. A deleted contact has none.
func (c *Contact) Points() []Point {
	if c.DeletedAt != nil {
		return nil
	}
	points := make([]Point, 0, len(c.Emails)+len(c.Phones))
	add := func(p Point) {
		if p.Value != "" && !slices.Contains(points, p) {
			points = append(points, p)
		}
	}
	for _, e := range c.Emails {
		add(Point{PointEmail, e.Address})
	}
	for _, p := range c.Phones {
		add(Point{PointPhone, p.number()})
	}
	return points
}

// RefPoint is what a reference is locked by.
func RefPoint(r kernel.ExternalRef) Point { return Point{PointRef, r.Source + "\x00" + r.ID} }

// Lock is the point as the number of an advisory lock. Whoever writes a point, or decides by its absence, holds its
// lock until the transaction ends, and takes all locks of one decision in ascending order.
func (p Point) Lock(account kernel.AccountID) int64 {
	h := fnv.New64a()
	_, _ = h.Write(account[:])
	_, _ = h.Write([]byte(p.Kind))
	_, _ = h.Write([]byte{0})
	_, _ = h.Write([]byte(p.Value))
	return int64(h.Sum64()) //nolint:gosec // a hash: every bit pattern will do
}

// Locks are the locks of the points in the order in which they must be taken, each once.
func Locks(account kernel.AccountID, points []Point) []int64 {
	locks := make([]int64, len(points))
	for i, p := range points {
		locks[i] = p.Lock(account)
	}
	slices.Sort(locks)
	return slices.Compact(locks)
}

// Without lists what is in a and not in b.
func Without[T comparable](a, b []T) []T {
	var out []T
	for _, x := range a {
		if !slices.Contains(b, x) {
			out = append(out, x)
		}
	}
	return out
}

// nobodys are mailboxes that portals and clerks write where an address is demanded: many strangers "share" them.
var nobodys = []string{
	"noreply", "no-reply", "no_reply", "donotreply", "do-not-reply", "noemail", "no-email", "no_email", "nomail", "none", "na", "unknown",
	"sansmail", "pasdemail", "pas-de-mail", "anonymous",
}

// telling lists the points by which one person can be told from another: not the fillers that strangers share.
func (c *Contact) telling() []Point {
	points := slices.DeleteFunc(c.Points(), func(p Point) bool {
		if p.Kind == PointPhone {
			return phone.IsFiller(p.Value)
		}
		local, _, _ := strings.Cut(p.Value, "@")
		return slices.Contains(nobodys, local)
	})
	slices.SortFunc(points, func(a, b Point) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Value, b.Value))
	})
	return points
}
