def application(
