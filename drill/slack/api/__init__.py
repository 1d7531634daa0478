"""The Web API: one module a family of methods, one function a method."""
