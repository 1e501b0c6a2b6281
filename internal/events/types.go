package events

// Type is a type of event: what happened to which kind of resource.
type Type struct {
	Name     string // lead.created
	Resource string // as in Event.Resource
	Summary  string // when it happens, for the API's document
}

// TestType is what POST /v1/webhook-endpoints/{id}/test sends. It is in no feed.
const TestType = "webhook.test"

// Types lists every type of event that is written, by resource. Endpoints may be told of all of them, each of what its maker may
// read.
func Types() []Type {
	var all []Type
	for _, r := range typesByResource {
		for _, t := range r.types {
			all = append(all, Type{Name: r.resource + "." + t.verb, Resource: r.resource, Summary: t.summary})
		}
	}
	return append(all, Type{TestType, ResourceEndpoint, "Somebody asked for a test."})
}

type happening struct{ verb, summary string }

// life is what happens to most resources.
func life(what string, more ...happening) []happening {
	return append([]happening{
		{"created", what + " was created."},
		{"updated", what + " was changed."},
		{"deleted", what + " was deleted."},
		{"restored", what + " was restored."},
	}, more...)
}

var typesByResource = []struct {
	resource string
	types    []happening
}{
	{"account", []happening{{"created", "The account was created."}, {"updated", "The account was changed."}}},
	{"dealership", life("A dealership")},
	{"user", life(
		"A user",
		happening{"invited", "Somebody was invited, or invited again."},
		happening{"joined", "An invited user chose a password."},
		happening{"password_reset", "A user chose a new password by a link."},
		happening{"sessions_ended", "All sessions of a user were ended."},
		happening{"deactivated", "A user was deactivated."},
		happening{"reactivated", "A user was activated again."},
	)},
	{"api_key", []happening{{"created", "A key was created."}, {"updated", "A key was changed or rotated."}, {"deleted", "A key was revoked."}}},
	{"grant", []happening{{"created", "A partner was granted a dealership."}, {"deleted", "A grant was revoked."}}},
	{"session", []happening{
		{"revoked", "A session was ended."}, {"reuse_detected", "A refresh token was used twice; its session was ended."},
	}},
	{"contact", life("A contact")},
	{"lead", life(
		"A lead",
		happening{"touched", "A further enquiry joined a lead."},
		happening{"status_changed", "A lead moved to another status."},
		happening{"assigned", "A lead was given to somebody, or taken from them."},
		happening{"viewed", "A lead was opened for the first time."},
	)},
	{"inbox", []happening{
		{"accepted", "A document made leads."},
		{"quarantined", "A document waits for somebody to mend it."},
		{"rejected", "A document is none that leads are made of."},
		{"corrected", "A document was corrected, and still waits."},
	}},
	{"opening_hours", life("The opening hours of a department")},
	{"closure", life("A closure")},
	{"shift", life("A shift")},
	{"absence", life("An absence")},
	{"presence", []happening{
		{"created", "A user said to be in or away."}, {"updated", "A user said something else, or for longer."}, {"deleted", "What a user said was taken back."},
	}},
	{"external_calendar", life(
		"An external calendar",
		happening{"refreshed", "Other busy times were read from an external calendar, or it can be read again."},
		happening{"failed", "An external calendar could not be fetched or read, or for another reason than before."},
	)},
	{"file", []happening{{"created", "A file was uploaded."}, {"updated", "A file came into use, or out of it."}, {"deleted", "A file was deleted."}}},
	{"message_template", []happening{
		{"created", "A template was created."}, {"updated", "A template was changed."}, {"deleted", "A template was deleted."},
	}},
	{"mail_address", []happening{
		{"created", "An address that mail comes in at was created."}, {"updated", "Such an address was changed."}, {"deleted", "Such an address was closed."},
	}},
	{"mail", []happening{
		{"created", "A mail is to be sent."},
		{"sending", "A mail is being handed to its receiver's server."},
		{"sent", "A mail was taken by its receiver's server."},
		{"deferred", "A mail was not taken and is tried again."},
		{"failed", "A mail was not taken and is given up."},
		{"unknown", "Whether a mail left cannot be known."},
		{"resent", "Somebody had a mail sent again."},
		{"bounced", "A mail came back."},
	}},
	{"inbound_message", []happening{
		{"created", "A mail came in."},
		{"handled", "A mail that came in was handed on."},
		{"ignored", "A mail that came in was put aside."},
		{"updated", "More is known of a mail that came in."},
	}},
	{"job", []happening{
		{"created", "A long operation was asked for."},
		{"started", "A long operation began."},
		{"succeeded", "A long operation was done."},
		{"failed", "A long operation failed."},
		{"cancelled", "A long operation was cancelled."},
		{"retried", "A long operation is tried again."},
	}},
	{"import", []happening{
		{"created", "An import was asked for."},
		{"succeeded", "An import was done."},
		{"failed", "An import failed."},
		{"cancelled", "An import was cancelled."},
		{"reverting", "An import is being reverted."},
		{"reverted", "An import was reverted."},
	}},
	{"export", []happening{
		{"created", "An export was asked for."}, {"succeeded", "An export was done."}, {"failed", "An export failed."}, {"cancelled", "An export was cancelled."},
	}},
	{ResourceEndpoint, life("A webhook endpoint", happening{"disabled", "A webhook endpoint was disabled, since it is gone or fails."})},
}
