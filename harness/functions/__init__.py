"""The functions of SPL by family; a family is one file, a function is one place in it."""
