package leads

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func TestApply(t *testing.T) {
	t.Parallel()
	tomorrow, yesterday := noon.AddDate(0, 0, 1), noon.AddDate(0, 0, -1)
	sold := Sale{VIN: "VF3VBBHXHGZ041335", SoldAt: &yesterday}
	for _, tt := range []struct {
		name    string
		from    Status
		move    Move
		wantErr error
	}{
		{"forward", StatusNew, Move{To: StatusInContact}, nil},
		{"several steps at once", StatusAssigned, Move{To: StatusOffer}, nil},
		{"back to an earlier open state", StatusOffer, Move{To: StatusContactAttempted}, nil},
		{"never back to new", StatusOffer, Move{To: StatusNew}, ErrIllegalMove},
		{"to where it stands", StatusOffer, Move{To: StatusOffer}, ErrIllegalMove},
		{"no such state", StatusOffer, Move{To: "sleeping"}, ErrIllegalMove},
		{"won with VIN and date", StatusOffer, Move{To: StatusWon, Sale: sold}, nil},
		{"won with order number and date", StatusOffer, Move{To: StatusWon, Sale: Sale{OrderNumber: "BC-1", SoldAt: &yesterday}}, nil},
		{"won without a date", StatusOffer, Move{To: StatusWon, Sale: Sale{VIN: sold.VIN}}, ErrWonNeedsVIN},
		{"won without proof", StatusOffer, Move{To: StatusWon, Sale: Sale{SoldAt: &yesterday}}, ErrWonNeedsVIN},
		{"lost with a code", StatusNew, Move{To: StatusLost, Reason: "price"}, nil},
		{"lost with free text", StatusNew, Move{To: StatusLost, Reason: "too dear"}, ErrReasonNeeded},
		{"invalid with a code", StatusNew, Move{To: StatusInvalid, Reason: "spam"}, nil},
		{"invalid with a code of lost", StatusNew, Move{To: StatusInvalid, Reason: "price"}, ErrReasonNeeded},
		{"postponed", StatusInContact, Move{To: StatusPostponed, PostponedUntil: &tomorrow}, nil},
		{"postponed to the past", StatusInContact, Move{To: StatusPostponed, PostponedUntil: &yesterday}, ErrDateNeeded},
		{"postponed for ever", StatusInContact, Move{To: StatusPostponed}, ErrDateNeeded},
		{"reopened", StatusWon, Move{To: StatusInContact}, nil},
		{"closed to closed", StatusWon, Move{To: StatusLost, Reason: "price"}, ErrIllegalMove},
		{"closed to another open state", StatusLost, Move{To: StatusOffer}, ErrIllegalMove},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := Lead{Status: tt.from}
			err := l.Apply(tt.move, noon)
			if tt.wantErr != nil {
				require.ErrorIs(t, err, tt.wantErr)
				assert.Equal(t, tt.from, l.Status, "a refused move changes nothing")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.move.To, l.Status)
			assert.Equal(t, tt.move.To.Closed(), l.ClosedAt != nil)
			assert.Equal(t, tt.move.To == StatusPostponed, l.PostponedUntil != nil)
		})
	}
}

func TestEveryStatusHasMoves(t *testing.T) {
	t.Parallel()
	for _, s := range Statuses() {
		assert.NotEmpty(t, s.Moves(), s)
		assert.NotContains(t, s.Moves(), StatusNew, "nothing becomes new again")
	}
	assert.Len(t, moves, len(Statuses()))
}

func TestEveryValueHasLabels(t *testing.T) {
	t.Parallel()
	named := map[string][]string{}
	for _, e := range Enums() {
		for _, v := range e.Values {
			assert.NotEmpty(t, v.En)
			assert.NotEmpty(t, v.Fr)
			named[e.Name] = append(named[e.Name], v.Value)
		}
	}
	assert.Equal(t, join(Statuses()), join(named["lead_status"]))
	assert.Equal(t, join(Types()), join(named["lead_type"]))
	assert.Equal(t, join(Channels()), join(named["lead_channel"]))
	assert.Equal(t, join(LostReasons()), join(named["lead_lost_reason"]))
	assert.Equal(t, join(InvalidReasons()), join(named["lead_invalid_reason"]))
	assert.Equal(t, join(InboxStates()), join(named["inbox_state"]))
}

func TestSaleKeepsVINsInOneForm(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"vin: vf3-vbbhx hgz041335": "VF3VBBHXHGZ041335",
		"1HGCM82633A004353":        "1HGCM82633A004353", // its check digit is wrong, and the sale a sale
		" 9113600123 ":             "9113600123",        // a chassis number of before 1981
	} {
		l := Lead{Status: StatusOffer}
		require.NoError(t, l.Apply(Move{To: StatusWon, Sale: Sale{VIN: text, SoldAt: &at}}, at))
		assert.Equal(t, want, l.Sale.VIN)
	}
	l := Lead{Status: StatusOffer}
	require.ErrorIs(t, l.Apply(Move{To: StatusWon, Sale: Sale{VIN: " \u00a0", SoldAt: &at}}, at), ErrWonNeedsVIN)
}
