package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rooftop-crm/rooftop/internal/app"
)

func backup(s *settings) *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use:   "backup [--to FILE|-]",
		Short: "Back up the private Postgres and the uploaded files into one file",
		Long: "Back up the private Postgres, and the uploaded files beside it, into one file (tar, gzip), while the server runs or not. The file gets its name once it is whole. " +
			"The master key is not in it: keep a copy of that in another place. A Postgres of your own (ROOFTOP_DATABASE_URL) has means of its own.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := s.load()
			if err != nil {
				return err
			}
			notes, err := app.Backup(cmd.Context(), cfg, to, cmd.OutOrStdout())
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(cmd.ErrOrStderr(), notes)
			return err
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "the file to write, - for standard output; rooftop-backup-TIME.tar.gz unless it is given")
	return cmd
}

func restore(s *settings) *cobra.Command {
	var from string
	cmd := &cobra.Command{
		Use:   "restore --from FILE|-",
		Short: "Put a backup into an empty data folder",
		Long: "Put what backup wrote into a data folder that has neither a Postgres nor uploaded files: all of it or, when the file is damaged or does not fit here, nothing. " +
			"Put the master key of that time back before the server starts.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := s.load()
			if err != nil {
				return err
			}
			notes, err := app.Restore(cmd.Context(), cfg, from, cmd.InOrStdin())
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(cmd.ErrOrStderr(), notes)
			return err
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "the file to read, - for standard input")
	_ = cmd.MarkFlagRequired("from") // the flag is there
	return cmd
}
