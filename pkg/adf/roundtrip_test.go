package adf

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// roundTrip writes doc, checks that the result is well-formed, reads it and requires the same document.
func roundTrip(t *testing.T, doc *Document) *Document {
	t.Helper()
	data, err := Marshal(doc)
	require.NoError(t, err)
	requireWellFormed(t, data)
	again, err := Parse(data, Options{})
	require.NoError(t, err, "%s", data)
	require.Equal(t, comparable(doc), comparable(again), "%s", data)
	return again
}

func requireWellFormed(t *testing.T, data []byte) {
	t.Helper()
	dec := xml.NewDecoder(strings.NewReader(string(data)))
	for {
		_, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err, "%s", data)
	}
}

// comparable is doc without what tells about the source only.
func comparable(doc *Document) *Document {
	data := *doc
	data.Warnings, data.Charset = nil, ""
	data.Prospects = nil
	for _, p := range doc.Prospects {
		if p.Status == "" {
			p.Status = StatusNew
		}
		p.Path, p.StatusRaw, p.Vendor.NameFrom = "", "", ""
		p.RequestDate = bareDate(p.RequestDate)
		p.Vehicles = nil
		for _, v := range doc.Prospects[len(data.Prospects)].Vehicles {
			p.Vehicles = append(p.Vehicles, bareVehicle(v))
		}
		if t := p.Customer.Timeframe; t != nil {
			bare := *t
			bare.Earliest, bare.Latest = bareDate(t.Earliest), bareDate(t.Latest)
			p.Customer.Timeframe = &bare
		}
		p.Customer.Contact = bareContact(p.Customer.Contact)
		p.Vendor.Contact = bareContact(p.Vendor.Contact)
		p.Provider.Contact = bareContact(p.Provider.Contact)
		var others []Contact
		for _, c := range p.Customer.OtherContacts {
			others = append(others, bareContact(c))
		}
		p.Customer.OtherContacts = others
		data.Prospects = append(data.Prospects, p)
	}
	return &data
}

func bareDate(d Date) Date {
	if !d.Time.IsZero() {
		d.Raw = ""
		_, offset := d.Time.Zone()
		d.Time = d.Time.In(fixedZone(offset))
	}
	return d
}

func bareVehicle(v Vehicle) Vehicle {
	if v.Status != "" {
		v.StatusRaw = ""
	}
	if v.Interest != "" {
		v.InterestRaw = "" // a wrapper said what the attribute did not
	}
	if o := v.Odometer; o != nil && o.Value != 0 {
		bare := *o
		bare.Raw = ""
		v.Odometer = &bare
	}
	v.Price = barePrice(v.Price)
	options := v.Options
	v.Options = nil
	for _, o := range options {
		o.Price = barePrice(o.Price)
		v.Options = append(v.Options, o)
	}
	if f := v.Finance; f != nil {
		bare := *f
		bare.Amounts = nil
		for _, a := range f.Amounts {
			bare.Amounts = append(bare.Amounts, bareAmount(a))
		}
		if f.Balance != nil {
			b := bareAmount(*f.Balance)
			bare.Balance = &b
		}
		v.Finance = &bare
	}
	return v
}

func barePrice(p *Price) *Price {
	if p == nil || p.Minor == 0 {
		return p
	}
	bare := *p
	bare.Raw = ""
	return &bare
}

func bareAmount(a Amount) Amount {
	if a.Minor != 0 {
		a.Raw = ""
	}
	return a
}

func bareContact(c Contact) Contact {
	phones := c.Phones
	c.Phones = nil
	for _, p := range phones {
		if p.Type != "" {
			p.TypeRaw = ""
		}
		c.Phones = append(c.Phones, p)
	}
	return c
}
