-- Run once, when the target server's volume is new: the metadata database beside the target.
create database tidemark;
