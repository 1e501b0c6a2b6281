// Command rooftop is the server of the open dealer CRM and lead management API, and the tools of whoever runs it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // dealerships have time zones, and a container may have none

	"github.com/spf13/cobra"

	"github.com/rooftop-crm/rooftop/internal/app"
	_ "github.com/rooftop-crm/rooftop/internal/platform/blob/clouds" // buckets of clouds, for ROOFTOP_BLOB_URL
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := root().ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "rooftop:", err)
		os.Exit(1)
	}
}

// settings are what every command reads first.
type settings struct {
	file     string
	services string
}

// load reads the configuration and sets up the log.
func (s *settings) load() (app.Config, error) {
	cfg, err := app.LoadConfig(s.file)
	if err != nil {
		return cfg, fmt.Errorf("the configuration is not right:\n%w", err)
	}
	if s.services != "" {
		cfg.Services = s.services
		if err := cfg.Validate(); err != nil {
			return cfg, err
		}
	}
	return cfg, cfg.SetUpLog()
}

func root() *cobra.Command {
	s := &settings{}
	cmd := &cobra.Command{
		Use:           "rooftop",
		Short:         "The open API for dealer CRM and internet lead management",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	cmd.PersistentFlags().StringVar(&s.file, "config", "", "file of NAME=value lines; the environment wins over it")
	cmd.AddCommand(serve(s), migrateCommand(s), seed(s), user(s), partner(s), keys(s), doctor(s), backup(s), restore(s), ready(s), version())
	return cmd
}

func serve(s *settings) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Long:  "Run the server. Without ROOFTOP_DATABASE_URL it makes and keeps a private Postgres; in development the first start also makes demo data.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := s.load()
			if err != nil {
				return err
			}
			return app.Run(cmd.Context(), cfg, func(ctx context.Context, a *app.App) error {
				return a.Welcome(ctx, cmd.OutOrStdout())
			})
		},
	}
	cmd.Flags().StringVar(&s.services, "services", "", "which services to run: all, or some of core,contacts,leads,vehicles")
	return cmd
}

func doctor(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Say what is wrong with the installation and how to mend it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := s.load()
			if err != nil {
				return err
			}
			wrong := 0
			for _, f := range app.Doctor(cmd.Context(), cfg) {
				mark := "ok  "
				switch f.Grade {
				case app.Good:
				case app.Lacking:
					mark = "warn"
				case app.Wrong:
					mark, wrong = "FAIL", wrong+1
				}
				_, _ = fmt.Fprintf(cmd.OutOrStdout(), "%s  %-18s %s\n", mark, f.What, f.Note)
			}
			if wrong > 0 {
				return fmt.Errorf("%d things are wrong", wrong)
			}
			return nil
		},
	}
}

func version() *cobra.Command {
	var newKey bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text := "rooftop " + app.Version
			if newKey {
				text = app.NewMasterKey()
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), text)
			return err
		},
	}
	cmd.Flags().BoolVar(&newKey, "new-master-key", false, "print a fresh value for ROOFTOP_MASTER_KEY instead")
	return cmd
}
