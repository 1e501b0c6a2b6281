package messages

import "slices"

// Kind is a kind of message that the installation sends: what it may name, and how it is worded where an account has no
// wording of its own.
type Kind struct {
	Name      string
	What      string // when it is sent
	Variables []Variable
	// Confidential says that what is sent is for its recipient alone: the ledger never shows it, and forgets it once it is
	// sent or given up.
	Confidential bool
	BuiltIn      map[string]Wording // by language
}

// common may be named in every message.
var common = []Variable{
	{Name: "account_name", Kind: VariableText, What: "The name of the account.", Example: "Groupe Exemple"},
	{Name: "dealership_name", Kind: VariableText, What: "The name of the dealership, when the message concerns one.", Example: "Garage de l'Exemple"},
}

var firstName = Variable{Name: "first_name", Kind: VariableText, What: "The recipient's first name, when it is known.", Example: "Ada"}

// kinds are the messages there are.
var kinds = []Kind{
	{
		Name: "user.invitation", What: "Somebody is invited to work for the account.", Confidential: true,
		Variables: []Variable{
			firstName,
			{Name: "inviter_name", Kind: VariableText, What: "Who invites.", Example: "Grace Exemple"},
			{Name: "link", Kind: VariableURL, What: "Where the invitation is accepted.", Required: true, Example: "https://crm.example/invitation/…"},
			{Name: "expires_at", Kind: VariableTime, What: "Until when the link works.", Example: "2026-12-01T09:00:00Z"},
		},
		BuiltIn: map[string]Wording{
			"fr": {Subject: "Votre invitation à rejoindre {{account_name}}", Text: `Bonjour{{#first_name}} {{first_name}}{{/first_name}},

Vous êtes invité à rejoindre {{account_name}}{{#inviter_name}} par {{inviter_name}}{{/inviter_name}}. Choisissez votre mot de passe ici :
{{link}}
{{#expires_at}}
Ce lien est valable jusqu'au {{expires_at}} et ne sert qu'une fois.
{{/expires_at}}
Si vous n'attendiez pas cette invitation, ignorez ce message.
`},
			"en": {Subject: "Your invitation to join {{account_name}}", Text: `Hello{{#first_name}} {{first_name}}{{/first_name}},

You are invited to join {{account_name}}{{#inviter_name}} by {{inviter_name}}{{/inviter_name}}. Choose your password here:
{{link}}
{{#expires_at}}
This link works until {{expires_at}}, and once only.
{{/expires_at}}
If you did not expect this invitation, ignore this message.
`},
		},
	},
	{
		Name: "user.password_reset", What: "A user has forgotten the password.", Confidential: true,
		Variables: []Variable{
			firstName,
			{Name: "link", Kind: VariableURL, What: "Where a new password is chosen.", Required: true, Example: "https://crm.example/reset/…"},
			{Name: "expires_at", Kind: VariableTime, What: "Until when the link works.", Example: "2026-12-01T09:00:00Z"},
		},
		BuiltIn: map[string]Wording{
			"fr": {Subject: "Votre nouveau mot de passe", Text: `Bonjour{{#first_name}} {{first_name}}{{/first_name}},

Un nouveau mot de passe a été demandé pour votre accès à {{account_name}}. Choisissez-le ici :
{{link}}
{{#expires_at}}
Ce lien est valable jusqu'au {{expires_at}} et ne sert qu'une fois.
{{/expires_at}}
Si vous n'avez rien demandé, ignorez ce message : votre mot de passe reste inchangé.
`},
			"en": {Subject: "Your new password", Text: `Hello{{#first_name}} {{first_name}}{{/first_name}},

A new password was asked for your access to {{account_name}}. Choose it here:
{{link}}
{{#expires_at}}
This link works until {{expires_at}}, and once only.
{{/expires_at}}
If you did not ask for it, ignore this message: your password stays as it is.
`},
		},
	},
	{
		Name: "user.security_notice", What: "Something about a user's sign-in has changed.",
		Variables: []Variable{
			firstName,
			{Name: "notice", Kind: VariableText, What: "What has happened, in the recipient's language.", Required: true, Example: "Votre mot de passe a été changé."},
			{Name: "at", Kind: VariableTime, What: "When it happened.", Example: "2026-12-01T09:00:00Z"},
		},
		BuiltIn: map[string]Wording{
			"fr": {Subject: "Sécurité de votre accès à {{account_name}}", Text: `Bonjour{{#first_name}} {{first_name}}{{/first_name}},

{{notice}}
{{#at}}
C'était le {{at}}.
{{/at}}
Si ce n'était pas vous, changez votre mot de passe et prévenez votre administrateur.
`},
			"en": {Subject: "Security of your access to {{account_name}}", Text: `Hello{{#first_name}} {{first_name}}{{/first_name}},

{{notice}}
{{#at}}
That was on {{at}}.
{{/at}}
If it was not you, change your password and tell your administrator.
`},
		},
	},
	{
		Name: "webhook.disabled", What: "A webhook endpoint failed for so long that it was switched off.",
		Variables: []Variable{
			{Name: "endpoint", Kind: VariableText, What: "The endpoint that was switched off.", Required: true, Example: "https://agency.example/hooks"},
			{Name: "reason", Kind: VariableText, What: "What it answered last.", Example: "503 Service Unavailable"},
			{Name: "at", Kind: VariableTime, What: "When it was switched off.", Example: "2026-12-01T09:00:00Z"},
		},
		BuiltIn: map[string]Wording{
			"fr": {Subject: "Un webhook de {{account_name}} est désactivé", Text: `Bonjour,

Le webhook {{endpoint}} échouait depuis trop longtemps ; il est désactivé.
{{#reason}}
Dernière réponse : {{reason}}
{{/reason}}
Réactivez-le une fois le service rétabli : les événements manqués peuvent être rejoués.
`},
			"en": {Subject: "A webhook of {{account_name}} was switched off", Text: `Hello,

The webhook {{endpoint}} failed for too long; it was switched off.
{{#reason}}
Last answer: {{reason}}
{{/reason}}
Switch it on again once the service is back: the events that it missed can be replayed.
`},
		},
	},
	{
		Name: "export.ready", What: "An export can be fetched.", Confidential: true,
		Variables: []Variable{
			firstName,
			{Name: "name", Kind: VariableText, What: "What was exported.", Example: "contacts"},
			{Name: "link", Kind: VariableURL, What: "Where it is fetched.", Required: true, Example: "https://crm.example/exports/…"},
			{Name: "expires_at", Kind: VariableTime, What: "Until when the link works.", Example: "2026-12-01T09:00:00Z"},
		},
		BuiltIn: map[string]Wording{
			"fr": {Subject: "Votre export est prêt", Text: `Bonjour{{#first_name}} {{first_name}}{{/first_name}},

Votre export{{#name}} ({{name}}){{/name}} est prêt :
{{link}}
{{#expires_at}}
Ce lien est valable jusqu'au {{expires_at}}.
{{/expires_at}}`},
			"en": {Subject: "Your export is ready", Text: `Hello{{#first_name}} {{first_name}}{{/first_name}},

Your export{{#name}} ({{name}}){{/name}} is ready:
{{link}}
{{#expires_at}}
This link works until {{expires_at}}.
{{/expires_at}}`},
		},
	},
	{
		Name: "message.received", What: "Somebody wrote to an address that acknowledges what it receives.",
		Variables: []Variable{{Name: "subject", Kind: VariableText, What: "The subject of what they wrote.", Example: "Renault Clio"}},
		BuiltIn: map[string]Wording{
			"fr": {Subject: "Nous avons bien reçu votre message", Text: `Bonjour,

Nous avons bien reçu votre message{{#subject}} « {{subject}} »{{/subject}} et vous répondons au plus vite.

{{#dealership_name}}{{dealership_name}}{{/dealership_name}}
`},
			"en": {Subject: "We have received your message", Text: `Hello,

We have received your message{{#subject}} "{{subject}}"{{/subject}} and will answer as soon as we can.

{{#dealership_name}}{{dealership_name}}{{/dealership_name}}
`},
		},
	},
}

// Kinds lists the messages that the installation sends, with the variables of each.
func Kinds() []Kind {
	out := slices.Clone(kinds)
	for i := range out {
		out[i].Variables = slices.Concat(out[i].Variables, common)
	}
	return out
}

// KindNamed finds a kind by its name.
func KindNamed(name string) (Kind, bool) {
	all := Kinds()
	i := slices.IndexFunc(all, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, false
	}
	return all[i], true
}

// Examples are values for all variables of a message.
func (k Kind) Examples() map[string]string {
	out := make(map[string]string, len(k.Variables))
	for _, v := range k.Variables {
		out[v.Name] = v.Example
	}
	return out
}
