package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rooftop-crm/rooftop/internal/app"
)

func keys(s *settings) *cobra.Command {
	cmd := &cobra.Command{Use: "keys", Short: "Keys that sign access tokens"}
	cmd.AddCommand(&cobra.Command{
		Use:   "rotate",
		Short: "Make a new signing key, which signs after ten minutes; tokens of the old one stay good",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.withApp(cmd, func(ctx context.Context, a *app.App) error {
				if err := a.Core.RotateSigningKey(ctx); err != nil {
					return err
				}
				_, err := fmt.Fprintln(cmd.OutOrStdout(), "the new signing key is published and signs in ten minutes")
				return err
			})
		},
	})
	return cmd
}
