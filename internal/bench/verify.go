package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// verify sees that both servers do the same work before anything is measured: that reads answer the same, field by field,
// and that each kind of write leaves the same number of rows in each table.
func (b *bench) verify(ctx context.Context) error {
	ours, bare := b.load[b.ours][0], b.load[b.bare][0]
	for _, w := range []*worker{ours, bare} {
		w.keep = true
		defer func() { w.keep = false }()
		if err := w.dial(ctx); err != nil {
			return err
		}
		defer w.hangUp()
	}
	for _, next := range []func(*worker) call{(*worker).read, (*worker).list, (*worker).listWithContact, (*worker).search} {
		for range 20 {
			c := next(ours)
			if err := sameAnswer(ours, bare, &c); err != nil {
				return err
			}
		}
	}
	for _, of := range []workload{{name: "create", next: (*worker).create}, {name: "adf", next: (*worker).adf}, {name: "status", next: (*worker).move}} {
		// What one server made of the first leads of a kind must be what the other makes of the like.
		for _, returning := range []bool{false, true} {
			first, err := b.rowsLeft(ctx, ours, &of, returning)
			if err != nil {
				return err
			}
			second, err := b.rowsLeft(ctx, bare, &of, returning)
			if err != nil {
				return err
			}
			if !maps.Equal(first, second) {
				return fmt.Errorf("%s: our server left %v and the bare one %v: they do not do the same work", of.name, first, second)
			}
		}
	}
	return nil
}

func sameAnswer(ours, bare *worker, c *call) error {
	var bodies [2]map[string]any
	for i, w := range []*worker{ours, bare} {
		status, err := w.do(c)
		if err != nil {
			return err
		}
		if status != 200 {
			return fmt.Errorf("%s: %s: %d %s", w.to.name, c.path, status, w.body)
		}
		if err := json.Unmarshal(w.body, &bodies[i]); err != nil {
			return fmt.Errorf("%s: %s: %w", w.to.name, c.path, err)
		}
		if cursor, there := bodies[i]["next_cursor"]; there {
			bodies[i]["next_cursor"] = cursor != nil // whether there is one; each server writes its own
		}
	}
	if diff := difference("", bodies[0], bodies[1]); diff != "" {
		return fmt.Errorf("the servers answer %s differently: %s", c.path, diff)
	}
	return nil
}

// difference names the first place where two values differ; "" when they do not.
func difference(at string, a, b any) string {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok {
			break
		}
		keys := slices.Sorted(maps.Keys(x))
		for k := range y {
			if _, there := x[k]; !there {
				keys = append(keys, k)
			}
		}
		for _, k := range keys {
			if d := difference(at+"/"+k, x[k], y[k]); d != "" {
				return d
			}
		}
		return ""
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			break
		}
		for i := range x {
			if d := difference(fmt.Sprintf("%s/%d", at, i), x[i], y[i]); d != "" {
				return d
			}
		}
		return ""
	}
	if reflect.DeepEqual(a, b) {
		return ""
	}
	return fmt.Sprintf("%s is %v and %v", at, a, b)
}

// writtenTables are those whose rows are counted. Idempotency records are our server's alone.
var writtenTables = []string{"contacts", "contact_points", "leads", "lead_refs", "lead_history", "events", "inbox", "inbox_parts"}

// rowsLeft counts what one write adds to each table. returning asks for an enquiry of somebody who is known.
func (b *bench) rowsLeft(ctx context.Context, w *worker, of *workload, returning bool) (map[string]int, error) {
	c, err := callOf(w, of, returning)
	if err != nil {
		return nil, err
	}
	before, err := b.count(ctx, c.account)
	if err != nil {
		return nil, err
	}
	status, err := w.do(&c)
	if err != nil {
		return nil, err
	}
	if status < 200 || status > 299 {
		return nil, fmt.Errorf("%s: %s: %d %s", w.to.name, c.path, status, w.body)
	}
	if c.moved != nil {
		c.moved.status = c.to
	}
	after, err := b.count(ctx, c.account)
	for table := range after {
		after[table] -= before[table]
	}
	return after, err
}

func callOf(w *worker, of *workload, returning bool) (call, error) {
	for range 1000 {
		before := known.Load()
		c := of.next(w)
		if c.moved != nil || (known.Load() > before) == returning {
			return c, nil
		}
	}
	return call{}, fmt.Errorf("%s: nobody is left who could come back; load the data anew with -fresh", of.name)
}

func (b *bench) count(ctx context.Context, a *account) (map[string]int, error) {
	out := map[string]int{}
	for _, table := range writtenTables {
		var n int
		if err := b.owner.QueryRow(ctx, "SELECT count(*) FROM "+table+" WHERE account_id = $1", a.id.String()).Scan(&n); err != nil {
			return nil, err
		}
		out[table] = n
	}
	return out, nil
}
