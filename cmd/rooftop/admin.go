package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rooftop-crm/rooftop/internal/app"
)

// withApp runs an operator's command on the built program, which does not listen.
func (s *settings) withApp(cmd *cobra.Command, do func(ctx context.Context, a *app.App) error) error {
	cfg, err := s.load()
	if err != nil {
		return err
	}
	a, err := app.New(cmd.Context(), cfg)
	if err != nil {
		return err
	}
	defer a.Close(cmd.Context())
	return do(cmd.Context(), a)
}

func migrateCommand(s *settings) *cobra.Command {
	cmd := &cobra.Command{Use: "migrate", Short: "Bring the database to this version's schema, or look where it is"}
	cmd.AddCommand(&cobra.Command{
		Use: "up", Short: "Apply what is missing", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := s.load()
			if err != nil {
				return err
			}
			return app.MigrateUp(cmd.Context(), cfg)
		},
	}, &cobra.Command{
		Use: "status", Short: "List the migrations and which are applied", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := s.load()
			if err != nil {
				return err
			}
			states, err := app.MigrateStatus(cmd.Context(), cfg)
			for _, m := range states {
				mark := "missing"
				if m.Applied {
					mark = "applied"
				}
				_, _ = fmt.Fprintf(cmd.OutOrStdout(), "%s  %s\n", mark, m.File)
			}
			return err
		},
	})
	return cmd
}

func seed(s *settings) *cobra.Command {
	var reset bool
	cmd := &cobra.Command{
		Use:   "seed",
		Short: "Make development's demo accounts, unless they are there",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.withApp(cmd, func(ctx context.Context, a *app.App) error {
				if reset {
					return a.ResetDemoCredentials(ctx, cmd.OutOrStdout())
				}
				return a.Seed(ctx, cmd.OutOrStdout())
			})
		},
	}
	cmd.Flags().BoolVar(&reset, "reset-credentials", false, "give the demo accounts new credentials and end the old ones")
	return cmd
}

func user(s *settings) *cobra.Command {
	cmd := &cobra.Command{Use: "user", Short: "Users and accounts"}
	var n app.NewOwner
	create := &cobra.Command{
		Use:   "create-admin --account NAME --email ADDRESS",
		Short: "Make an account with its first administrator",
		Long:  "Make an account with its first administrator. The password is read from standard input, one line. With --account-id the administrator is added to an account that has none.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			line, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
			if n.Password = strings.TrimRight(line, "\r\n"); n.Password == "" {
				return errors.Join(errors.New("give the password on standard input"), err)
			}
			return s.withApp(cmd, func(ctx context.Context, a *app.App) error {
				made, err := a.CreateOwner(ctx, n)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "account %s\nuser    %s\n", made.AccountID, made.UserID)
				return err
			})
		},
	}
	f := create.Flags()
	f.StringVar(&n.Account, "account", "", "name of the account to make")
	f.StringVar(&n.AccountID, "account-id", "", "id of an account that has no administrator")
	f.StringVar(&n.Email, "email", "", "the administrator's login")
	f.StringVar(&n.FirstName, "first-name", "", "the administrator's first name")
	f.StringVar(&n.LastName, "last-name", "", "the administrator's last name")
	f.StringVar(&n.Country, "country", "FR", "the account's country, ISO 3166-1 alpha-2")
	f.StringVar(&n.TimeZone, "time-zone", "Europe/Paris", "the account's time zone, IANA")
	f.StringVar(&n.Currency, "currency", "EUR", "the account's currency, ISO 4217")
	cmd.AddCommand(create, invite(s), resetPassword(s))
	return cmd
}

func invite(s *settings) *cobra.Command {
	var n app.NewInvitation
	cmd := &cobra.Command{
		Use:   "invite --account-id ID --email ADDRESS --role ROLE",
		Short: "Print a link by which somebody joins an account, for installations without mail",
		Long:  "Make a user without a password and print the link, good for seven days and once, by which they choose one. For a user who has not joined yet it is another link, and the one before is void.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.withApp(cmd, func(ctx context.Context, a *app.App) error {
				id, link, err := a.Invite(ctx, n)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "user %s\nlink %s\n", id, link)
				return err
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&n.AccountID, "account-id", "", "id of the account")
	f.StringVar(&n.Email, "email", "", "the user's login")
	f.StringVar(&n.FirstName, "first-name", "", "the user's first name")
	f.StringVar(&n.LastName, "last-name", "", "the user's last name")
	f.StringVar(&n.Role, "role", "", "what the user may do in the whole account: admin, manager, agent …")
	return cmd
}

func resetPassword(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "reset-password ADDRESS",
		Short: "Print a link by which a user chooses another password, for installations without mail",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.withApp(cmd, func(ctx context.Context, a *app.App) error {
				link, err := a.Core.OperatorResetsPassword(ctx, args[0])
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "link %s\n", link)
				return err
			})
		},
	}
}

func partner(s *settings) *cobra.Command {
	cmd := &cobra.Command{Use: "partner", Short: "OEMs and lead providers"}
	var name, code string
	create := &cobra.Command{
		Use:   "create --name NAME --code CODE",
		Short: "Add a partner and print its credentials, which are shown this once",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.withApp(cmd, func(ctx context.Context, a *app.App) error {
				p, err := a.Core.CreatePartner(ctx, name, code)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "partner       %s\nclient_id     %s\nclient_secret %s\n", p.ID, p.ClientID, p.ClientSecret)
				return err
			})
		},
	}
	create.Flags().StringVar(&name, "name", "", "how leads of the partner are credited")
	create.Flags().StringVar(&code, "code", "", "short name that dealers use to grant the partner something")
	cmd.AddCommand(create, &cobra.Command{
		Use:   "reissue CODE",
		Short: "Give a partner new credentials, shown this once, and end those it had",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.withApp(cmd, func(ctx context.Context, a *app.App) error {
				p, err := a.Core.ReissuePartner(ctx, args[0])
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "partner       %s\nclient_id     %s\nclient_secret %s\n", p.ID, p.ClientID, p.ClientSecret)
				return err
			})
		},
	})
	return cmd
}
