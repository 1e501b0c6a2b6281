package leads

import (
	"time"

	"github.com/rooftop-crm/rooftop/internal/kernel"
)

// Filter narrows a list of leads. A nil slice or pointer does not filter.
type Filter struct {
	Statuses                   []Status
	Dealerships                []kernel.DealershipID
	Assignees                  []kernel.UserID
	Unassigned                 bool // leads of nobody, beside those of Assignees
	Sources                    []string
	Types                      []Type
	Channels                   []Channel
	Contact                    *kernel.ContactID
	Test                       *bool
	CreatedFrom, CreatedBefore *time.Time
	UpdatedFrom, UpdatedBefore *time.Time
	Terms                      []string // folded words that must all occur
}
