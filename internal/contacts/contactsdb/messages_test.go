package contactsdb_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/contacts"
	"github.com/rooftop-crm/rooftop/internal/contacts/contactsdb"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/clock"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
)

// counted counts what is written to a connection: a message leaves in one piece.
type counted struct {
	net.Conn
	writes *atomic.Int64
}

func (c counted) Write(b []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(b)
}

// A lead is two messages as long as its contact asks for no more.
func TestIntakeTakesTwoMessages(t *testing.T) {
	t.Parallel()
	serverURL, _ := dbtest.URLs(t)
	var writes atomic.Int64
	d, err := db.Open(t.Context(), db.Config{URL: serverURL, MaxConns: 1, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		return counted{conn, &writes}, err
	}})
	require.NoError(t, err)
	t.Cleanup(d.Close)
	s := served{setup: setup{db: d, store: contactsdb.New(d), a: account(t, d)}}
	s.actor = auth.System(s.a)
	s.svc = contacts.NewService(contacts.Needs{Store: s.store, Unit: d, Log: outbox.New(d), Accounts: france{}, Schemas: colours{}, Now: clock.Now})

	person := func(address, number string) contacts.Person {
		p := contacts.Person{LastName: "Dupont", Emails: []contacts.Email{{Address: address}}}
		if number != "" {
			p.Phones = []contacts.Phone{{Raw: number}}
		}
		return p
	}
	var last kernel.ContactID
	for round, warm := range []bool{true, false} {
		key := string(rune('a' + round))
		number := "061234567" + string(rune('1'+round))
		for _, step := range []struct {
			name string
			p    contacts.Person
			want int64
		}{
			{"a new contact", person(key+"@mail.example", ""), 2},
			{"a known one", person(key+"@mail.example", ""), 2},
			{"one that learns a number", person(key+"@mail.example", number), 3},
		} {
			before := writes.Load()
			m, err := s.enquire(t.Context(), step.p)
			require.NoError(t, err)
			if took := writes.Load() - before; !warm {
				assert.Equal(t, step.want, took, step.name)
			}
			last = m.ContactID
		}
	}
	assert.Len(t, s.points(t, s.a, last), 2)
}
