"""What goes over the wire between processes: topics, payloads, envelope. Imports no other part of Fundline."""
