"""What a reviewer sees: notebooks cell by cell, as a pull request's comment and as a page of its own."""
