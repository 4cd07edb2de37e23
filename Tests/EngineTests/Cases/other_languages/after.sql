SELECT reads_them() = 0 AND reads_nothing() = 1;
