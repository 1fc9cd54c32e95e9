"""Where merchants are: each channel translates between an app and the bot."""
