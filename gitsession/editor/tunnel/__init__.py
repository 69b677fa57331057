"""Ways to an editor from outside, behind one Protocol: ngrok, Colab's own proxy, or none."""
