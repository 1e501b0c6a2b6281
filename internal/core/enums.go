package core

import "github.com/rooftop-crm/rooftop/internal/platform/enum"

// Enums lists the closed lists of values that core uses.
func Enums() []enum.Enum {
	return []enum.Enum{
		{Name: "user_role", Values: []enum.Value{
			{Value: "admin", En: "Administrator", Fr: "Administrateur"},
			{Value: "manager", En: "Manager", Fr: "Responsable"},
			{Value: "agent", En: "Internet agent (BDC)", Fr: "Conseiller digital (BDC)"},
			{Value: "salesperson", En: "Salesperson", Fr: "Vendeur"},
			{Value: "service_adviser", En: "Service adviser", Fr: "Conseiller service"},
			{Value: "marketing", En: "Marketing", Fr: "Marketing"},
			{Value: "viewer", En: "Viewer", Fr: "Lecture seule"},
		}},
		{Name: "api_key_kind", Values: []enum.Value{
			{Value: "api_key", En: "API key", Fr: "Clé d'API"},
			{Value: "site_key", En: "Site key", Fr: "Clé de site"},
			{Value: "client", En: "Machine client", Fr: "Client machine"},
		}},
		{Name: "actor_kind", Values: []enum.Value{
			{Value: "user", En: "User", Fr: "Utilisateur"},
			{Value: "api_key", En: "API key", Fr: "Clé d'API"},
			{Value: "client", En: "Machine client", Fr: "Client machine"},
			{Value: "partner", En: "Partner", Fr: "Partenaire"},
			{Value: "site_key", En: "Site key", Fr: "Clé de site"},
			{Value: "system", En: "System", Fr: "Système"},
		}},
		{Name: "scope", Values: scopeLabels()},
	}
}

func scopeLabels() []enum.Value {
	return []enum.Value{
		{Value: "leads:read", En: "Read leads", Fr: "Lire les leads"},
		{Value: "leads:write", En: "Change leads", Fr: "Modifier les leads"},
		{Value: "leads:create", En: "Send leads", Fr: "Transmettre des leads"},
		{Value: "inbox:read", En: "Read the inbox", Fr: "Lire la boîte de réception"},
		{Value: "inbox:write", En: "Work the inbox", Fr: "Traiter la boîte de réception"},
		{Value: "contacts:read", En: "Read contacts", Fr: "Lire les contacts"},
		{Value: "contacts:write", En: "Change contacts", Fr: "Modifier les contacts"},
		{Value: "messages:read", En: "Read messages", Fr: "Lire les messages"},
		{Value: "messages:write", En: "Send messages and change templates", Fr: "Envoyer des messages et modifier les modèles"},
		{Value: "vehicles:read", En: "Read vehicles", Fr: "Lire les véhicules"},
		{Value: "vehicles:write", En: "Change vehicles", Fr: "Modifier les véhicules"},
		{Value: "files:read", En: "Read files", Fr: "Lire les fichiers"},
		{Value: "files:write", En: "Send and remove files", Fr: "Envoyer et supprimer des fichiers"},
		{Value: "appointments:read", En: "Read appointments", Fr: "Lire les rendez-vous"},
		{Value: "appointments:write", En: "Change appointments", Fr: "Modifier les rendez-vous"},
		{Value: "dealerships:read", En: "Read dealerships", Fr: "Lire les points de vente"},
		{Value: "dealerships:write", En: "Change dealerships", Fr: "Modifier les points de vente"},
		{Value: "users:read", En: "Read users", Fr: "Lire les utilisateurs"},
		{Value: "users:write", En: "Manage users", Fr: "Gérer les utilisateurs"},
		{Value: "keys:read", En: "Read keys", Fr: "Lire les clés"},
		{Value: "keys:write", En: "Manage keys", Fr: "Gérer les clés"},
		{Value: "grants:read", En: "Read grants to partners", Fr: "Lire les autorisations des partenaires"},
		{Value: "grants:write", En: "Manage grants to partners", Fr: "Gérer les autorisations des partenaires"},
		{Value: "account:read", En: "Read the account", Fr: "Lire le compte"},
		{Value: "account:write", En: "Change the account", Fr: "Modifier le compte"},
		{Value: "audit:read", En: "Read the audit log", Fr: "Lire le journal d'audit"},
		{Value: "events:read", En: "Read events", Fr: "Lire les événements"},
		{Value: "calendars:read", En: "Read calendars", Fr: "Lire les calendriers"},
		{Value: "calendars:write", En: "Change calendars", Fr: "Modifier les calendriers"},
		{Value: "calendars:self", En: "Set own presence, absences and external calendars", Fr: "Gérer sa présence, ses absences et ses agendas externes"},
		{Value: "webhooks:read", En: "Read webhooks", Fr: "Lire les webhooks"},
		{Value: "webhooks:write", En: "Manage webhooks", Fr: "Gérer les webhooks"},
		{Value: "jobs:read", En: "Read jobs", Fr: "Lire les tâches"},
		{Value: "jobs:write", En: "Cancel and retry jobs", Fr: "Annuler et relancer les tâches"},
		{Value: "imports:read", En: "Read imports and exports", Fr: "Lire les imports et exports"},
		{Value: "imports:write", En: "Import and export", Fr: "Importer et exporter"},
		{Value: "stock:public", En: "See published stock", Fr: "Voir le stock publié"},
		{Value: "booking:public", En: "Book as a visitor", Fr: "Réserver en tant que visiteur"},
	}
}
