package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rooftop-crm/rooftop/internal/platform/clock"
)

// workload is one kind of request.
type workload struct {
	name   string
	title  string
	target float64 // of the bare handler's throughput; 0 for none
	bareOf float64 // what the bare handler should reach of pgbench
	writes bool
	next   func(w *worker) call
}

// call is one request to either server.
type call struct {
	account *account
	method  string
	path    string
	media   string
	body    []byte
	moved   *walker // the lead whose status changes, and
	to      string  // to what
}

func workloads() []workload {
	return []workload{
		{name: "read", title: "read one lead", target: 0.70, bareOf: 0.40, next: (*worker).read},
		{name: "list", title: "list 50 by status", target: 0.90, bareOf: 0.40, next: (*worker).list},
		{name: "list_contact", title: "list 50 with contact", target: 0.90, bareOf: 0.40, next: (*worker).listWithContact},
		{name: "search", title: "search", target: 0.85, bareOf: 0.40, next: (*worker).search},
		{name: "create", title: "create a lead", target: 0.70, bareOf: 0.55, writes: true, next: (*worker).create},
		{name: "adf", title: "ADF in", writes: true, next: (*worker).adf},
		{name: "status", title: "change status", target: 0.65, bareOf: 0.55, writes: true, next: (*worker).move},
		{name: "mix", title: "mix 70/20/10", target: 0.78, writes: true, next: (*worker).mix},
	}
}

func workloadNames() []string {
	var names []string
	for _, w := range workloads() {
		names = append(names, w.name)
	}
	return names
}

func chooseWorkloads(only string) ([]workload, error) {
	all := workloads()
	if only == "" {
		return all, nil
	}
	var chosen []workload
	for name := range strings.SplitSeq(only, ",") {
		i := slices.IndexFunc(all, func(w workload) bool { return w.name == name })
		if i < 0 {
			return nil, fmt.Errorf("-only %q: there are %s", name, strings.Join(workloadNames(), ", "))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// unique makes what no two requests may share: of all runs, by the time this one began.
var (
	run36  = fmt.Sprintf("%x", clock.Now().Unix())
	unique atomic.Int64
	known  atomic.Int64
)

func (w *worker) sample() *sample { return &w.data.samples[w.r.IntN(len(w.data.samples))] }

func (w *worker) read() call {
	s := w.sample()
	return call{account: s.account, method: http.MethodGet, path: leadsPath + "/" + s.lead}
}

func (w *worker) list() call {
	s := w.sample()
	return call{account: s.account, method: http.MethodGet, path: leadsPath + "?limit=50&status=" + s.status}
}

func (w *worker) listWithContact() call {
	c := w.list()
	c.path += "&include=contact"
	return c
}

func (w *worker) search() call {
	s := w.sample()
	return call{account: s.account, method: http.MethodGet, path: leadsPath + "?limit=50&q=" + url.QueryEscape(s.term)}
}

// someone is who sends the next enquiry: seven of ten are new, the others are known and have not written for a month, so
// that each enquiry makes a lead.
func (w *worker) someone() (*account, person) {
	if w.r.IntN(10) < 3 {
		if n := int(known.Add(1)) - 1; n < len(w.data.known) {
			return w.data.known[n].account, w.data.known[n].person
		}
	}
	return w.sample().account, newPerson(w.r, run36, int(unique.Add(1)))
}

// words are the details of enquiries, made before the clock runs: only people and references differ from one to the next.
var words = func() (out []string) {
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same words each time
	for range 256 {
		d := newDetails(r, "", "", clock.Now())
		d.Provider, d.ExternalRefs = nil, nil
		text := string(mustJSON(d))
		out = append(out, text[1:len(text)-1])
	}
	return out
}()

func (w *worker) create() call {
	a, p := w.someone()
	source := pick(w.r, sources)
	body := fmt.Appendf(nil, `{"dealership_id":%q,"contact":{"first_name":%q,"last_name":%q,"emails":[{"address":%q}],"phones":[{"raw":%q}]},`+
		`"type":"test_drive","channel":"portal","source":%q,"requested_at":%q,"provider":{"name":%q,"service":"Demande d'information"},`+
		`"external_refs":[{"source":%q,"id":"%s-%d"}],%s}`,
		a.dealerships[w.r.IntN(2)], p.first, p.last, p.email, p.phone, source, clock.Now().Format(time.RFC3339), source, source, run36, unique.Add(1),
		pick(w.r, words))
	return call{account: a, method: http.MethodPost, path: leadsPath, media: "application/json", body: body}
}

const adfDocument = `<?xml version="1.0" encoding="UTF-8"?>
<?ADF VERSION="1.0"?>
<adf><prospect status="new"><id sequence="1" source="%[1]s">%[2]s-%[3]d</id><requestdate>%[4]s</requestdate>
<vehicle interest="test-drive" status="used"><year>%[5]d</year><make>%[6]s</make><model>%[7]s</model><vin>%[8]s</vin><stock>%[9]s</stock>
<trim>%[10]s</trim><doors>5</doors><bodystyle>hatchback</bodystyle><transmission>M</transmission><odometer status="original" units="km">%[11]d</odometer>
<price type="asking" currency="EUR">%[12]d</price></vehicle>
<customer><contact><name part="first">%[13]s</name><name part="last">%[14]s</name><email>%[15]s</email><phone type="voice">%[16]s</phone></contact>
<comments>%[17]s</comments></customer>
<vendor><vendorname>Garage de l'Exemple</vendorname></vendor>
<provider><name part="full">%[1]s</name><service>Demande d'information</service><url>https://portail.example</url></provider></prospect></adf>`

func (w *worker) adf() call {
	a, p := w.someone()
	v := newVehicle(w.r, "test_drive")
	body := fmt.Appendf(nil, adfDocument, pick(w.r, sources), run36, unique.Add(1), clock.Now().Format(time.RFC3339), *v.Year, v.Make, v.Model, v.VIN,
		v.StockNumber, v.Trim, int(v.Odometer.Value), v.Price.AmountMinor/100, p.first, p.last, p.email, p.phone, pick(w.r, comments))
	path := leadsPath + "/adf?dealership_id=" + a.dealerships[w.r.IntN(2)].String()
	return call{account: a, method: http.MethodPost, path: path, media: "application/xml", body: body}
}

// route is how a lead walks; from anywhere else it goes to the first stop.
var route = []string{"contact_attempted", "in_contact", "appointment_set", "visited", "offer", "lost", "in_contact"}

// move takes the worker's next lead one stop on. No two workers have a lead in common, so no move is refused.
func (w *worker) move() call {
	l := &w.walkers[w.at%len(w.walkers)]
	w.at++
	to := route[0]
	if i := slices.Index(route, l.status); i >= 0 {
		to = route[i+1]
	}
	body := fmt.Appendf(nil, `{"status":%q,"note":"Rappelé, rendez-vous à confirmer."}`, to)
	if to == "lost" {
		body = []byte(`{"status":"lost","reason":"price"}`)
	}
	return call{account: l.account, method: http.MethodPost, path: leadsPath + "/" + l.lead + "/status", media: "application/json", body: body, moved: l, to: to}
}

func (w *worker) mix() call {
	switch n := w.r.IntN(100); {
	case n < 24:
		return w.read()
	case n < 47:
		return w.list()
	case n < 70:
		return w.search()
	case n < 90:
		return w.move()
	}
	return w.create()
}
