"""What confines itself and then becomes the program. The gate's own interpreter, the standard library only.

It is started as a script (`python -I -S -B .../launcher`), so its modules import each other relatively and
nothing else of mlgate.
"""
