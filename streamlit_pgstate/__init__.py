"""State for Streamlit apps that survives F5."""
