"""The application's file: the tables that several processes write, and the only code that moves a status."""
