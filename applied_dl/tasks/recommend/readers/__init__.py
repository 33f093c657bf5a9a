"""Events of users and items, from files to arrays."""
