-- Which data directory holds MariaDB's files, by a mark that is kept there: its process is the host, whatever its number.
ALTER TABLE mysql_server ADD home text;
