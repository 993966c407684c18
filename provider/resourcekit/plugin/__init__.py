"""What both engines' plugin processes need to start and end."""
